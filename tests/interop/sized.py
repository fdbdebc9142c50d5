"""A service whose bodies have the size that a test asks for."""

from tracewire.protocol import Body, Service


def sized() -> Service:
    """``size`` gives the bytes of its body, ``fill`` a body of so many."""
    service = Service()

    @service.method
    async def size(body: Body) -> int:
        return len(body.data)

    @service.method
    async def fill(size: int) -> Body:
        return Body(bytes(size), 60)

    return service
