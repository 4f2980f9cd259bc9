# The same waits on Python's asyncio: loop.py SECONDS...  Not called asyncio.py: it would import itself.
import asyncio
import sys


async def main():
    await asyncio.gather(*(asyncio.sleep(float(n)) for n in sys.argv[1:]))

asyncio.run(main())
