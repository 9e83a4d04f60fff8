"""Flask, requests and pika in one process: an order goes over HTTP, into a queue, and out of it.

usage: orders.py AGENT AMQP MARKER, where AGENT is HOST:PORT of a Jaeger UDP port and AMQP the URL of a
RabbitMQ. One trace of five spans; its context travels in the message's headers.
"""

import sys
import threading

import flask
import pika
import requests
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from service import served, traced

agent, amqp, marker = sys.argv[1:]
provider, exporter = traced("python-orders", agent)
PikaInstrumentor().instrument()
RequestsInstrumentor().instrument()
app = flask.Flask("orders")
FlaskInstrumentor().instrument_app(app)

QUEUE = "orders"
arrived = threading.Event()


@app.post("/orders")
def order():
    connection = pika.BlockingConnection(pika.URLParameters(amqp))
    channel = connection.channel()
    channel.queue_declare(QUEUE)
    channel.basic_publish("", QUEUE, flask.request.data, pika.BasicProperties(headers={"kind": "order"}))
    connection.close()
    return {"accepted": True}


def consume():
    connection = pika.BlockingConnection(pika.URLParameters(amqp))
    channel = connection.channel()
    channel.queue_declare(QUEUE)

    def taken(channel, method, properties, body):
        if "traceparent" not in properties.headers:
            print("the message carries no context", file=sys.stderr)
        channel.basic_ack(method.delivery_tag)
        connection.add_callback_threadsafe(channel.stop_consuming)

    channel.basic_consume(QUEUE, taken)
    channel.start_consuming()
    connection.close()
    arrived.set()


threading.Thread(target=consume, daemon=True).start()
server = served(app, "127.0.0.1:0")
with provider.get_tracer("orders").start_as_current_span("place order") as span:
    span.set_attribute("tw.marker", marker)
    requests.post(f"http://127.0.0.1:{server.port}/orders", json={"item": 7}, timeout=10).raise_for_status()
if not arrived.wait(60):
    sys.exit("the message never came out of the queue")
provider.shutdown()
print(exporter.line("jaeger-udp", marker))
