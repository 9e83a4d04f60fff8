// Command emit sends the known trace of clients/README.md from the OpenTelemetry Go SDK.
//
// usage: emit PROTOCOL ENDPOINT MARKER
// PROTOCOL: otlp-grpc, otlp-grpc-gzip, otlp-http, otlp-http-gzip HOST:PORT, zipkin-json URL.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/zipkin"
	"go.opentelemetry.io/otel/sdk"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func exporter(ctx context.Context, protocol, endpoint string) (sdktrace.SpanExporter, error) {
	plain, gzip := strings.CutSuffix(protocol, "-gzip")
	switch plain {
	case "otlp-grpc":
		options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure()}
		if gzip {
			options = append(options, otlptracegrpc.WithCompressor("gzip"))
		}
		return otlptracegrpc.New(ctx, options...)
	case "otlp-http":
		options := []otlptracehttp.Option{otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure()}
		if gzip {
			options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		}
		return otlptracehttp.New(ctx, options...)
	case "zipkin-json":
		return zipkin.New(endpoint + "/api/v2/spans")
	}
	return nil, fmt.Errorf("no such protocol: %s", protocol)
}

// knownTrace makes the five spans and returns them, root first.
func knownTrace(tracer trace.Tracer, marker string) []trace.Span {
	ctx := context.Background()
	underRoot, root := tracer.Start(ctx, "GET /checkout", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(
			attribute.String("tw.marker", marker),
			attribute.String("http.request.method", "GET"),
			attribute.Int("http.response.status_code", 200),
			attribute.Bool("tw.bool", true),
			attribute.Float64("tw.double", 0.25),
			attribute.String("tw.text", "käse ✓"),
			attribute.StringSlice("tw.texts", []string{"a", "b"}),
			attribute.IntSlice("tw.ints", []int{1, 2}),
		))
	underCharge, charge := tracer.Start(underRoot, "charge")
	charge.AddEvent("retry", trace.WithAttributes(
		attribute.Int("attempt", 2), attribute.Float64("jitter", 0.5), attribute.Bool("final", false)))
	_, payment := tracer.Start(underCharge, "POST payments", trace.WithSpanKind(trace.SpanKindClient))
	payment.RecordError(errors.New("card declined"), trace.WithStackTrace(true))
	payment.SetStatus(codes.Error, "card declined")
	payment.End()
	charge.SetStatus(codes.Ok, "")
	charge.End()
	underPublish, publish := tracer.Start(underRoot, "orders publish", trace.WithSpanKind(trace.SpanKindProducer))
	publish.End()
	_, process := tracer.Start(underPublish, "orders process", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(trace.Link{
			SpanContext: payment.SpanContext(),
			Attributes:  []attribute.KeyValue{attribute.String("tw.link", "cause")},
		}))
	process.End()
	root.End()
	return []trace.Span{root, charge, payment, publish, process}
}

func run(protocol, endpoint, marker string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	chosen, err := exporter(ctx, protocol, endpoint)
	if err != nil {
		return err
	}
	service := "go-" + protocol
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(chosen),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service), attribute.String("service.version", "1.2.3"))))
	spans := knownTrace(provider.Tracer("known", trace.WithInstrumentationVersion("1.0")), marker)
	if err := provider.ForceFlush(ctx); err != nil {
		return err
	}
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}
	var told []map[string]any
	for _, span := range spans {
		made := span.(sdktrace.ReadOnlySpan)
		row := map[string]any{"name": made.Name(), "span_id": made.SpanContext().SpanID().String(), "parent_span_id": nil}
		if made.Parent().IsValid() {
			row["parent_span_id"] = made.Parent().SpanID().String()
		}
		told = append(told, row)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"client": "opentelemetry-go", "version": sdk.Version(), "protocol": protocol, "service": service,
		"trace_id": spans[0].SpanContext().TraceID().String(), "flushed": true, "spans": told,
	})
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: emit PROTOCOL ENDPOINT MARKER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
