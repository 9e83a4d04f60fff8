//! Bytes to spans and back, for OTLP, Jaeger and Zipkin.

#![forbid(unsafe_code)]
