import { Counter, Gauge, Histogram } from 'prom-client';
import type { Metrics } from '../../shared/metrics/metrics.ts';
import type { DoctorAnswer } from '../doctor-client.ts';
import type { Backlog } from './settler-store.ts';

/** What the booking of appointments exports; no label ever names a person or an appointment. */
export function bookingMetrics({ registry }: Metrics) {
  const registers = [registry];
  const answers = new Counter({
    name: 'doctor_service_answers_total',
    help: 'Answers of the doctor service to revisions of appointments, by outcome; away is no answer at all.',
    labelNames: ['outcome', 'reason'] as const,
    registers,
  });
  // From zero on: the first of a kind would not be seen to grow.
  for (const outcome of ['granted', 'contradicted', 'away', 'unexpected'])
    answers.inc({ outcome, reason: '' }, 0);
  const seconds = new Histogram({
    name: 'doctor_service_request_duration_seconds',
    help: 'Time of one question to the doctor service.',
    buckets: [0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  });
  const unexpected = new Counter({
    name: 'doctor_service_unexpected_answers_total',
    help: 'Answers of the doctor service that mean nothing; each is a defect on either side.',
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const unsettled = gauge('appointments_unsettled', 'Appointments that wait for the doctor service.');
  const oldest = gauge('appointments_unsettled_oldest_seconds', 'Age of the oldest waiting change.');
  const contradicted = gauge(
    'appointments_contradicted',
    'Appointments that the doctor service contradicts: a database was restored, reconcile both sides.',
  );
  const turned = gauge('settler_last_turn_timestamp_seconds', 'When the settler last looked, in Unix time.');

  return {
    onAnswer: (answer: DoctorAnswer, took: number): void => {
      seconds.observe(took);
      if (answer.kind === 'refused') answers.inc({ outcome: 'refused', reason: answer.reason });
      else if (answer.kind === 'unanswered')
        answers.inc({ outcome: answer.away ? 'away' : 'unexpected', reason: '' });
      else answers.inc({ outcome: answer.kind, reason: '' });
    },
    onUnexpected: (): void => unexpected.inc(),
    onBacklog: (backlog: Backlog): void => {
      unsettled.set(backlog.unsettled);
      oldest.set(backlog.oldestSeconds);
      contradicted.set(backlog.contradicted);
      turned.setToCurrentTime();
    },
  };
}
