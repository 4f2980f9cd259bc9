# The same three waits on Python's asyncio.
import asyncio


async def main():
    await asyncio.gather(*(asyncio.sleep(n) for n in (1, 2, 3)))

asyncio.run(main())
