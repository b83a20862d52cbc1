"""A sender and a receiver of the link protocol, written from docs/wire-protocol.md alone. Standard library only.

usage: wire_client.py send HOST:PORT COUNT     sends the numbers below COUNT, breaking its connection now and then
       wire_client.py receive HOST:PORT COUNT  takes so many numbers, each one more than the last, breaking its connection now and then
"""

import json
import socket
import struct
import sys
import time
import zlib

DATA, ACK, ALIVE, GOODBYE, PIECE = 1, 2, 3, 5, 6
HEADER = struct.Struct("<IBBHQII")


class Broken(Exception):
    pass


def read(connection: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            raise Broken("the peer hung up")
        parts += part
    return parts


def read_frame(connection: socket.socket) -> tuple:
    length, kind, flags, zero, number, amount, checksum = HEADER.unpack(read(connection, HEADER.size))
    assert zero == 0 and flags in (0, 1) and length <= 1 << 20
    payload = read(connection, length)
    assert flags == 0 or zlib.crc32(payload) == checksum
    return kind, number, amount, payload


def frame(kind: int, number: int, amount: int, payload: bytes = b"") -> bytes:
    return HEADER.pack(len(payload), kind, 1, 0, number, amount, zlib.crc32(payload)) + payload


def say_hello(address: str, **own) -> tuple:
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    hello = {
        "deployment": "local", "service": "python", "member": 0, "epoch": EPOCH, "port": "wire",
        "type_name": "number", "fingerprint": 0, "codec": "json", **own,
    }
    text = json.dumps(hello).encode()
    connection.sendall(b"HYDR" + struct.pack("<HI", 2, len(text)) + text)
    magic, version, length = struct.unpack("<4sHI", read(connection, 10))
    assert (magic, version) == (b"HYDR", 2)
    answer = json.loads(read(connection, length))
    if "reject" in answer:
        sys.exit(f"refused: {answer['reject']['reason']}")
    return connection, answer["welcome"]


def send(address: str, count: int) -> None:
    kept: list[tuple[int, int, bytes]] = []  # number of the first record, how many, the frame
    step = 100
    for first in range(0, count, step):
        numbers = range(first, min(first + step, count))
        payload = "".join(f"{number}\n" for number in numbers).encode()
        kept.append((first, len(numbers), frame(DATA, first, len(numbers), payload)))
    lives = 5
    while kept:
        offers = {"stream": EPOCH, "first": kept[0][0]}
        connection, welcome = say_hello(address, sends=True, offers=offers)
        expects = welcome["grants"].get("expects")
        following = expects["next"] if expects and expects["stream"] == EPOCH else kept[0][0]
        if lives:
            # In the middle of a frame, after more frames than will be acknowledged by then.
            lives -= 1
            unsent = b"".join(bytes for first, _, bytes in kept if first >= following)
            connection.sendall(unsent[: len(unsent) // 7 + 11])
            connection.close()
            continue
        for first, _, bytes in kept:
            if first >= following:
                connection.sendall(bytes)
        while kept:
            kind, number, _, payload = read_frame(connection)
            assert kind == ACK, (kind, payload)
            kept = [(first, amount, bytes) for first, amount, bytes in kept if first + amount > number]
        connection.sendall(frame(GOODBYE, 0, 0))
        connection.close()
    print("everything is acknowledged")


def receive(address: str, count: int) -> None:
    stream, following, numbers, lives = None, 0, [], 5
    while len(numbers) < count:
        expects = None if stream is None else {"stream": stream, "next": following}
        connection, welcome = say_hello(address, sends=False, grants={"window": 100_000, "expects": expects})
        if welcome["offers"]["stream"] != stream:
            stream, following = welcome["offers"]["stream"], welcome["offers"]["first"]
        frames = 0
        while len(numbers) < count:
            kind, number, amount, payload = read_frame(connection)
            if kind == ALIVE or number < following:
                continue
            assert kind == DATA and number == following, (kind, number, following)
            records = [json.loads(line) for line in payload.splitlines()]
            assert len(records) == amount
            following += amount
            numbers += records
            frames += 1
            # Every other frame is acknowledged with the next one.
            if frames % 2 == 0:
                connection.sendall(frame(ACK, following, 100_000))
            if lives and frames == 3:
                lives -= 1
                break
        connection.close()
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    print("all in order, none twice")


EPOCH = time.time_ns()

if __name__ == "__main__":
    {"send": send, "receive": receive}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
