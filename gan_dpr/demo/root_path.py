"""The page below a path of somebody's server: `/gan` leads to `/gan/`, where the page's own files are found."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A proxy that takes the path away asks for `/` in both cases, so only the browser knows which address it was.
LEAD = b"""<head><script>
if (!location.pathname.endsWith('/')) location.replace(location.pathname + '/' + location.search + location.hash);
</script>"""


class EndsWithSlash:
    """Middleware of the app: its page goes to its own address with a slash at the end where that is missing."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)  # waits for the page, whose length changes
                return
            if start:
                message["body"] = message["body"].replace(b"<head>", LEAD, 1)
                MutableHeaders(raw=start["headers"])["content-length"] = str(len(message["body"]))
                await send(start.copy())
                start.clear()
            await send(message)

        is_page = scope["type"] == "http" and scope["path"] in ("/", f"{scope.get('root_path', '')}/")
        await self.app(scope, receive, led if is_page else send)
