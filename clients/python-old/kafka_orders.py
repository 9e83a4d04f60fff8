"""kafka-python through a broker: one message sent, one received, one trace.

usage: kafka_orders.py AGENT BROKER MARKER, where AGENT is HOST:PORT of a Jaeger UDP port.
"""

import sys

from kafka import KafkaConsumer, KafkaProducer
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from service import traced

agent, broker, marker = sys.argv[1:]
provider, exporter = traced("python-kafka", agent)
KafkaInstrumentor().instrument()

TOPIC = "orders"

producer = KafkaProducer(bootstrap_servers=broker, max_block_ms=20_000)
with provider.get_tracer("orders").start_as_current_span("place order") as span:
    span.set_attribute("tw.marker", marker)
    producer.send(TOPIC, b"order 7", key=b"7").get(timeout=20)
producer.flush()
consumer = KafkaConsumer(TOPIC, bootstrap_servers=broker, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
message = next(iter(consumer), None)
if message is None or message.value != b"order 7":
    sys.exit("the message never came out of the topic")
if "traceparent" not in dict(message.headers):
    sys.exit("the message carries no context")
consumer.close()
producer.close()
provider.shutdown()
print(exporter.line("jaeger-udp", marker))
