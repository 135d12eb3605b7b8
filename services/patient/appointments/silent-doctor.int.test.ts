import { v7 as uuidv7 } from 'uuid';
import { at, seedPatients } from '../../testing/clinic.ts';
import { startScriptedDoctor } from '../../testing/scripted-doctor.ts';
import { startPatient } from '../../testing/services.ts';

test('bookings that wait for a silent doctor service keep nobody from working', async () => {
  const doctor = await startScriptedDoctor();
  doctor.script(() => ({ instead: 'silence' }));
  const patient = await startPatient({ doctorUrl: doctor.url, settings: { maxRequestsAtWork: 2 } });
  try {
    const patientIds = await seedPatients(patient, 40);
    const started = performance.now();
    const bookings = patientIds.map((patientId) =>
      patient.api
        .post('/appointments')
        .send({ patientId, doctorId: uuidv7(), startsAt: at(2), durationMinutes: 30 })
        .expect(202),
    );
    await Promise.all(bookings);
    await patient.api.get('/patients').expect(200);
    // Two at a time, each waiting for its deadline, would have taken twenty seconds.
    expect(performance.now() - started).toBeLessThan(10_000);
  } finally {
    await patient.stop();
    await doctor.stop();
  }
});
