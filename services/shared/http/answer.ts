import type { Page } from './cursor.ts';
import { etagOf } from './version.ts';

/** What a handler decides: the whole answer as a value, so that it can be stored and sent again. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** JSON text unless `content-type` says otherwise. */
  body?: string;
  /** The word of the problem, if it is one. */
  problem?: string;
  /** The records whose data it holds; for the audit trail. */
  about?: readonly string[];
}

/** A resource as its store returns it: the JSON text that leaves, and its version. */
export interface Representation {
  id: string;
  json: string;
  version: number;
  /** The record whose data it is, where the audit trail keeps that. */
  about?: string;
}

const aboutOf = ({ about }: Representation) => (about === undefined ? {} : { about: [about] });

export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** 200 without a version. */
export const okJson = (json: string): Answer => ({ status: 200, headers: JSON_TYPE, body: json });

/** 200 with the resource and its ETag. */
export const ok = (representation: Representation): Answer => ({
  status: 200,
  headers: { ...JSON_TYPE, etag: etagOf(representation.version) },
  body: representation.json,
  ...aboutOf(representation),
});

/** 201 with the resource, its ETag and its Location. */
export const created = (location: string, representation: Representation): Answer => ({
  status: 201,
  headers: { ...JSON_TYPE, etag: etagOf(representation.version), location },
  body: representation.json,
  ...aboutOf(representation),
});

export const noContent = (): Answer => ({ status: 204, headers: {} });

/** 200 with one page of a list. */
export const okPage = ({ items, nextCursor, about }: Page): Answer => ({
  ...okJson(`{"items":[${items.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`),
  ...(about === undefined ? {} : { about }),
});
