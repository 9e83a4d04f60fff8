"""The backend: asks the product service for a price and puts the order into a queue.

usage: backend.py AGENT ADDRESS PRODUCTS AMQP
"""

import json
import sys

import flask
import pika
import requests
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from service import served, traced, until_told_to_stop

agent, address, products, amqp = sys.argv[1:]
provider, exporter = traced("backend", agent)
PikaInstrumentor().instrument()
RequestsInstrumentor().instrument()
app = flask.Flask("backend")
FlaskInstrumentor().instrument_app(app)


@app.post("/orders/<int:item>")
def order(item):
    price = requests.get(f"{products}/products/{item}", timeout=10)
    price.raise_for_status()
    connection = pika.BlockingConnection(pika.URLParameters(amqp))
    channel = connection.channel()
    channel.queue_declare("work")
    channel.basic_publish("", "work", json.dumps(price.json()), pika.BasicProperties(headers={}))
    connection.close()
    return price.json()


served(app, address)
until_told_to_stop(provider, exporter)
