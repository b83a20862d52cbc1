import sys


async def main():
    print("|".join(sys.argv[1:]))
