import { etagOf } from './version.ts';

/** What a handler decides: the whole answer as a value, so that it can be stored and sent again. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** JSON text unless `content-type` says otherwise. */
  body?: string;
}

/** A resource as its store returns it: the JSON text that leaves, and its version. */
export interface Representation {
  id: string;
  json: string;
  version: number;
}

export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** 200 without a version. */
export const okJson = (json: string): Answer => ({ status: 200, headers: JSON_TYPE, body: json });

/** 200 with the resource and its ETag. */
export const ok = ({ json, version }: Representation): Answer => ({
  status: 200,
  headers: { ...JSON_TYPE, etag: etagOf(version) },
  body: json,
});

/** 201 with the resource, its ETag and its Location. */
export const created = (location: string, { json, version }: Representation): Answer => ({
  status: 201,
  headers: { ...JSON_TYPE, etag: etagOf(version), location },
  body: json,
});

export const noContent = (): Answer => ({ status: 204, headers: {} });

/** 200 with one page of a list. */
export const okPage = ({
  items,
  nextCursor,
}: {
  items: readonly string[];
  nextCursor: string | null;
}): Answer => okJson(`{"items":[${items.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`);
