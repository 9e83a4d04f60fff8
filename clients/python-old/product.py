"""The product service: knows the price of each item, and that one is not there.

usage: product.py AGENT ADDRESS
"""

import sys

import flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from service import served, traced, until_told_to_stop

agent, address = sys.argv[1:]
provider, exporter = traced("product-service", agent)
app = flask.Flask("product")
FlaskInstrumentor().instrument_app(app)


@app.get("/products/<int:item>")
def product(item):
    with provider.get_tracer("product").start_as_current_span("load price") as span:
        span.set_attribute("product.id", item)
        if item == 404:
            flask.abort(404)
        return {"item": item, "price": 12.5}


served(app, address)
until_told_to_stop(provider, exporter)
