module github.com/monotable/monotable/otel

go 1.26

replace github.com/monotable/monotable => ../
