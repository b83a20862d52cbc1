from typing import Any, List

from hydro import Deployment


async def main():
    deployment = Deployment()
    mirror = deployment.Hydroflow(src="src/mirror.hf")
    await deployment.deploy()
    answers = mirror.ports.outbound.receive()
    values: List[List[Any]] = [
        [1, None, [], {}],
        [2, "", [-1, 0, 1], {"half": 0.5, "größer": 1e300}],
        [3, "a \"quote\", a\nline and 🦀", [9007199254740991], {}],
        [18446744073709551615, "12345678901234567890", [-9223372036854775808, 9007199254740993], {}],
    ]
    for value in values:
        await mirror.ports.inbound.send(value)
        answer = await answers
        assert answer == value, (answer, value)
        number, text, numbers, _ = answer
        print(number, repr(len(text)) if text is not None else "none", *numbers)
