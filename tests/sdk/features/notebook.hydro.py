from hydro import Deployment


async def main():
    deployment = Deployment("shown")
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    numbers.ports.out.connect(counter.ports.numbers)
    print(deployment._repr_svg_().count("<svg"), "counter.hf" in deployment._repr_svg_())
    await deployment.deploy()
    html = deployment._repr_html_()
    print(html.startswith("<table>"), html.count("<tr>"), "<td>up</td>" in html, "<svg" in html)
    print(counter._repr_html_().count("<tr>"))
    print("numbers.0" in (await counter.metrics())._repr_html_())
