import { addAbout, eventOf, openTrail } from './trail.ts';

const trailOf = (...ids: string[]) => {
  const trail = openTrail({ audit: 'read', path: '/things/:id' }, { method: 'GET', sourceIp: undefined });
  trail.caller = { subject: 'somebody', role: 'admin' };
  for (const id of ids) addAbout(trail, id);
  return trail;
};

test('an event names everybody once, whoever names them', () => {
  expect(eventOf(trailOf('a', 'b', 'a'), { status: 200 })?.about).toEqual(['a', 'b']);
  expect(eventOf(trailOf('a', 'b'), { status: 200, about: ['b', 'c', 'c'] })?.about).toEqual(['a', 'b', 'c']);
});
