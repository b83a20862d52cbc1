import sys

from hydro import Deployment


async def main():
    print(Deployment().name, "|".join(sys.argv[1:]))
