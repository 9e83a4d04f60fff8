"""The worker: takes orders out of the queue and does something slow with them.

usage: worker.py AGENT AMQP
"""

import sys
import threading

import pika
from opentelemetry.instrumentation.pika import PikaInstrumentor
from service import traced, until_told_to_stop

agent, amqp = sys.argv[1:]
provider, exporter = traced("worker", agent)
PikaInstrumentor().instrument()


def work():
    connection = pika.BlockingConnection(pika.URLParameters(amqp))
    channel = connection.channel()
    channel.queue_declare("work")

    def taken(channel, method, _properties, body):
        with provider.get_tracer("worker").start_as_current_span("pack order") as span:
            span.set_attribute("order.bytes", len(body))
            span.add_event("packed", {"box": "small"})
        channel.basic_ack(method.delivery_tag)
        print("worked", flush=True)

    channel.basic_consume("work", taken)
    channel.start_consuming()


threading.Thread(target=work, daemon=True).start()
until_told_to_stop(provider, exporter)
