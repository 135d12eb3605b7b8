#!/bin/sh
# Prints the definitions of the custom resources that components use, for a dry run by a cluster without their operators.
# They come with the operators' Go modules; what was fetched once is found again without a network.
set -eu
for module in \
  github.com/cloudnative-pg/cloudnative-pg@v1.30.0:config/crd/bases/postgresql.cnpg.io_clusters.yaml \
  github.com/prometheus-operator/prometheus-operator@v0.85.0:example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml \
  github.com/prometheus-operator/prometheus-operator@v0.85.0:example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml \
  sigs.k8s.io/gateway-api@v1.4.0:config/crd/standard/gateway.networking.k8s.io_gateways.yaml \
  sigs.k8s.io/gateway-api@v1.4.0:config/crd/standard/gateway.networking.k8s.io_httproutes.yaml; do
  folder=$(go mod download -json "${module%%:*}" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  echo '---'
  cat "$folder/${module#*:}"
done
