import { Counter, Gauge, type Registry } from 'prom-client';

/** What the sealer exports. */
export function auditMetrics(registry: Registry): {
  onRound: (round: { sealed: number; lagSeconds: number }) => void;
} {
  const registers = [registry];
  const sealedTotal = new Counter({
    name: 'audit_entries_sealed_total',
    help: 'Entries of the audit trail that this replica has sealed.',
    registers,
  });
  let known = { lagSeconds: 0, at: performance.now() };
  new Gauge({
    name: 'audit_unsealed_seconds',
    help: 'How long the oldest entry of the audit trail that is not sealed has waited; it grows while nobody looks.',
    registers,
    collect() {
      this.set(known.lagSeconds + (performance.now() - known.at) / 1000);
    },
  });
  return {
    onRound: ({ sealed, lagSeconds }) => {
      sealedTotal.inc(sealed);
      known = { lagSeconds, at: performance.now() };
    },
  };
}
