"""FastAPI, httpx, SQLAlchemy, redis and asyncio in one process, all instrumented.

usage: shop.py PROTOCOL ENDPOINT REDIS MARKER; PROTOCOL is jaeger-udp HOST:PORT (the newest SDK that the
Jaeger exporter still loads in) or otlp-http URL. One trace: a page asks two items at once over HTTP,
each looks into redis, then into a database, and one of them fails.
"""

import asyncio
import os
import sys
import threading

import fastapi
import httpx
import redis.asyncio
import sqlalchemy
import uvicorn
from opentelemetry import trace
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from report import Told

protocol, endpoint, cache_url, marker = sys.argv[1:]
# The instrumentation of asyncio traces what is named to it.
os.environ["OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE"] = "ask"
os.environ["OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE"] = "load_price"


def exporter():
    if protocol == "jaeger-udp":
        from opentelemetry.exporter.jaeger.thrift import JaegerExporter

        host, port = endpoint.rsplit(":", 1)
        return JaegerExporter(agent_host_name=host, agent_port=int(port))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=endpoint + "/v1/traces")


told = Told(exporter())
provider = TracerProvider(resource=Resource.create({"service.name": f"python-web-{protocol}"}))
provider.add_span_processor(BatchSpanProcessor(told))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

engine = sqlalchemy.create_engine(
    "sqlite://", poolclass=sqlalchemy.pool.StaticPool, connect_args={"check_same_thread": False}
)
with engine.begin() as connection:
    connection.execute(sqlalchemy.text("CREATE TABLE item (id INTEGER PRIMARY KEY, price REAL)"))
    connection.execute(sqlalchemy.text("INSERT INTO item VALUES (1, 12.5), (2, 7)"))

# From here on everything is traced: the table above is no part of the trace.
HTTPXClientInstrumentor().instrument()
RedisInstrumentor().instrument()
SQLAlchemyInstrumentor().instrument(engine=engine)
AsyncioInstrumentor().instrument()

app = fastapi.FastAPI()
cache = redis.asyncio.from_url(cache_url)


def load_price(item):
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT price FROM item WHERE id = :id")
        return connection.execute(query, {"id": item}).scalar()


@app.get("/items/{item}")
async def item(item: int):
    if await cache.get(f"price:{item}") is None:
        price = await asyncio.to_thread(load_price, item)
        if price is None:
            raise fastapi.HTTPException(500, "no such item")
        await cache.set(f"price:{item}", price)
    return {"item": item}


FastAPIInstrumentor.instrument_app(app)


async def ask(client, item):
    return await client.get(f"/items/{item}")


async def page(address):
    async with httpx.AsyncClient(base_url=address) as client:
        with tracer.start_as_current_span("page") as span:
            span.set_attribute("tw.marker", marker)
            answers = await asyncio.gather(ask(client, 1), ask(client, 99))
            return [answer.status_code for answer in answers]


class Server(uvicorn.Server):
    """A server that runs in a thread and says where it listens."""

    def __init__(self):
        super().__init__(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        self.listening = threading.Event()

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.port = self.servers[0].sockets[0].getsockname()[1]
        self.listening.set()


server = Server()
thread = threading.Thread(target=server.run, daemon=True)
thread.start()
if not server.listening.wait(60):
    sys.exit("the server did not start")
statuses = asyncio.run(page(f"http://127.0.0.1:{server.port}"))
if statuses != [200, 500]:
    sys.exit(f"unexpected answers: {statuses}")
server.should_exit = True
thread.join(10)
provider.shutdown()
print(told.line(protocol, marker))
