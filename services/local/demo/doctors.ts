import type { Temporal } from 'temporal-polyfill';

type Hours = readonly { weekday: string; from: string; to: string }[];

interface DemoException {
  kind: 'closed' | 'open';
  from: string;
  to: string;
  reason: string;
}

export interface DemoDoctor {
  profile: {
    givenName: string;
    familyName: string;
    specialties: readonly string[];
    licenseNumber: string;
    email: string;
    phone: string;
    languages: readonly string[];
    timeZone: string;
  };
  schedule: {
    weeklyHours: Hours;
    slotMinutes: number;
    bufferMinutes?: number;
    minimumNoticeMinutes?: number;
    horizonDays?: number;
  };
  /** Dated changes of the hours, for a clinic that opens today. */
  exceptions?: (today: Temporal.PlainDate) => readonly DemoException[];
}

const MONDAY_TO_THURSDAY = ['monday', 'tuesday', 'wednesday', 'thursday'];

/** `on(['monday'], '08:00-12:00', '13:00-17:00')`: hours with a lunch break. */
function on(weekdays: readonly string[], ...windows: readonly string[]): Hours {
  return weekdays.flatMap((weekday) =>
    windows.map((window) => {
      const [from = '', to = ''] = window.split('-');
      return { weekday, from, to };
    }),
  );
}

/** Doctors of seven specialties in four time zones. Phone numbers are of ranges that are kept free for fiction. */
export const demoDoctors: readonly DemoDoctor[] = [
  {
    profile: {
      givenName: 'Anna',
      familyName: 'Lindqvist',
      specialties: ['general-practice'],
      licenseNumber: 'DE-BE-104417',
      email: 'a.lindqvist@clinic.example',
      phone: '+49 30 23125801',
      languages: ['de', 'en', 'sv'],
      timeZone: 'Europe/Berlin',
    },
    schedule: {
      weeklyHours: [
        ...on(MONDAY_TO_THURSDAY, '08:00-12:00', '13:00-17:00'),
        ...on(['friday'], '08:00-12:30'),
      ],
      slotMinutes: 20,
    },
  },
  {
    profile: {
      givenName: 'Mehmet',
      familyName: 'Yıldız',
      specialties: ['cardiology'],
      licenseNumber: 'DE-BE-118203',
      email: 'm.yildiz@clinic.example',
      phone: '+49 30 23125802',
      languages: ['de', 'tr', 'en'],
      timeZone: 'Europe/Berlin',
    },
    schedule: {
      weeklyHours: [
        ...on(['monday', 'wednesday'], '09:00-13:00', '14:00-18:00'),
        ...on(['tuesday', 'thursday'], '08:00-14:00'),
        ...on(['friday'], '08:00-12:00'),
      ],
      slotMinutes: 30,
      bufferMinutes: 10,
      horizonDays: 120,
    },
  },
  {
    profile: {
      givenName: 'Zofia',
      familyName: 'Kowalczyk',
      specialties: ['paediatrics'],
      licenseNumber: 'DE-BE-121950',
      email: 'z.kowalczyk@clinic.example',
      phone: '+49 30 23125803',
      languages: ['de', 'pl', 'en'],
      timeZone: 'Europe/Berlin',
    },
    schedule: {
      weeklyHours: [
        ...on(MONDAY_TO_THURSDAY, '08:30-12:30', '14:30-17:30'),
        ...on(['friday'], '08:30-13:00'),
      ],
      slotMinutes: 15,
    },
    exceptions: (today) => {
      const saturday = today.add({ days: 13 - today.dayOfWeek });
      return [
        {
          kind: 'open',
          from: `${saturday}T09:00`,
          to: `${saturday}T13:00`,
          reason: 'Extra hours before the holidays',
        },
      ];
    },
  },
  {
    profile: {
      givenName: 'Oluwaseun',
      familyName: 'Adeyemi',
      specialties: ['general-practice'],
      licenseNumber: 'GMC-7204481',
      email: 'o.adeyemi@clinic.example',
      phone: '+44 20 7946 0801',
      languages: ['en', 'yo'],
      timeZone: 'Europe/London',
    },
    schedule: {
      weeklyHours: [
        ...on(MONDAY_TO_THURSDAY, '08:30-12:30', '13:30-17:30'),
        ...on(['friday'], '08:30-13:30'),
      ],
      slotMinutes: 15,
    },
  },
  {
    profile: {
      givenName: 'Niamh',
      familyName: 'Gallagher',
      specialties: ['dermatology'],
      licenseNumber: 'GMC-7319026',
      email: 'n.gallagher@clinic.example',
      phone: '+44 20 7946 0802',
      languages: ['en', 'ga'],
      timeZone: 'Europe/London',
    },
    schedule: {
      weeklyHours: [
        ...on(['monday', 'tuesday', 'thursday'], '09:00-12:30', '13:30-17:00'),
        ...on(['friday'], '09:00-12:00'),
      ],
      slotMinutes: 30,
      bufferMinutes: 5,
    },
  },
  {
    profile: {
      givenName: 'Rafael',
      familyName: 'Ferreira',
      specialties: ['neurology'],
      licenseNumber: 'NY-231184',
      email: 'r.ferreira@clinic.example',
      phone: '+1 212 555 0181',
      languages: ['en', 'pt-BR', 'es'],
      timeZone: 'America/New_York',
    },
    schedule: {
      weeklyHours: [
        ...on(MONDAY_TO_THURSDAY, '09:00-12:00', '13:00-17:00'),
        ...on(['friday'], '09:00-13:00'),
      ],
      slotMinutes: 45,
    },
  },
  {
    profile: {
      givenName: 'Grace',
      familyName: 'Chen',
      specialties: ['cardiology', 'general-practice'],
      licenseNumber: 'NY-240557',
      email: 'g.chen@clinic.example',
      phone: '+1 212 555 0182',
      languages: ['en', 'zh-Hans'],
      timeZone: 'America/New_York',
    },
    schedule: {
      weeklyHours: [
        ...on(['monday', 'wednesday', 'friday'], '07:30-12:00', '12:45-16:00'),
        ...on(['tuesday', 'thursday'], '11:00-15:00', '15:30-19:30'),
      ],
      slotMinutes: 30,
    },
    exceptions: (today) => [
      {
        kind: 'closed',
        from: `${today.add({ days: 11 })}T00:00`,
        to: `${today.add({ days: 16 })}T00:00`,
        reason: 'Leave',
      },
    ],
  },
  {
    profile: {
      givenName: 'David',
      familyName: 'Rosenberg',
      specialties: ['orthopaedics'],
      licenseNumber: 'NY-228090',
      email: 'd.rosenberg@clinic.example',
      phone: '+1 212 555 0183',
      languages: ['en', 'he'],
      timeZone: 'America/New_York',
    },
    schedule: {
      weeklyHours: [
        ...on(MONDAY_TO_THURSDAY, '08:00-12:00', '13:00-16:30'),
        ...on(['friday'], '08:00-11:30'),
      ],
      slotMinutes: 30,
      bufferMinutes: 10,
      minimumNoticeMinutes: 60,
    },
  },
  {
    profile: {
      givenName: 'Thị Lan',
      familyName: 'Nguyễn',
      specialties: ['paediatrics', 'general-practice'],
      licenseNumber: 'MED0001904417',
      email: 'lan.nguyen@clinic.example',
      phone: '+61 2 5550 1801',
      languages: ['en', 'vi'],
      timeZone: 'Australia/Sydney',
    },
    schedule: {
      weeklyHours: [
        ...on(MONDAY_TO_THURSDAY, '08:00-12:30', '13:15-17:00'),
        ...on(['friday'], '08:00-12:30'),
      ],
      slotMinutes: 20,
    },
  },
  {
    profile: {
      givenName: 'Eleni',
      familyName: 'Papadopoulou',
      specialties: ['psychiatry'],
      licenseNumber: 'MED0001877260',
      email: 'e.papadopoulou@clinic.example',
      phone: '+61 2 5550 1802',
      languages: ['en', 'el'],
      timeZone: 'Australia/Sydney',
    },
    schedule: {
      weeklyHours: [
        ...on(['tuesday', 'wednesday', 'thursday'], '09:00-13:00', '14:00-18:00'),
        ...on(['friday'], '09:00-13:00'),
      ],
      slotMinutes: 60,
      minimumNoticeMinutes: 120,
    },
  },
];
