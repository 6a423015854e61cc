"""The Go programs of our own, which are a few lines around others' modules."""

ETCD = """package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
"""

PAUSE = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			os.Exit(0)
		}
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}
"""
"""The process that holds a Pod's namespaces open: it waits to be told to end, and reaps what is left to it."""

PROMETHEUS_DISCOVERY = """package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"gopkg.in/yaml.v2"
)

type targets struct {
	Targets []model.LabelValue `json:"targets"`
	Labels  model.LabelSet     `json:"labels"`
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func write(path string, groups map[string]*targetgroup.Group) {
	found := []targets{}
	for _, group := range groups {
		for _, target := range group.Targets {
			labels := group.Labels.Merge(target)
			delete(labels, model.AddressLabel)
			found = append(found, targets{[]model.LabelValue{target[model.AddressLabel]}, labels})
		}
	}
	text, err := json.Marshal(found)
	must(err)
	must(os.WriteFile(path+".part", text, 0o644))
	must(os.Rename(path+".part", path))
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	must(err)
	var config kubernetes.SDConfig
	must(yaml.UnmarshalStrict(input, &config))
	registry := prometheus.NewRegistry()
	metrics := config.NewDiscovererMetrics(registry, discovery.NewRefreshMetrics(registry))
	must(metrics.Register())
	discoverer, err := config.NewDiscoverer(discovery.DiscovererOptions{Metrics: metrics})
	must(err)
	changes, groups := make(chan []*targetgroup.Group), map[string]*targetgroup.Group{}
	go discoverer.Run(context.Background(), changes)
	for changed := range changes {
		for _, group := range changed {
			groups[group.Source] = group
		}
		write(os.Args[1], groups)
	}
}
"""
"""Writes the targets that Prometheus discovers in a cluster into a file, whenever they change, for a Prometheus that is
built without the discovery of Kubernetes. Its input is one element of kubernetes_sd_configs, its argument the file."""
