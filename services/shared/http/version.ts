import { versionMismatch } from '../problem/problem.ts';

/** `ETag` of a version: our ETags are strong, for a version has one representation per caller. */
export const etagOf = (version: number): string => `"${version}"`;

const tags = (header: string): string[] => header.split(',').map((tag) => tag.trim());

/**
 * If-Match (RFC 9110 §13.1.1, strong comparison): without the header the last writer wins.
 * @throws version-mismatch when the header names other versions only
 */
export function requireVersion(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined || ifMatch.trim() === '*' || tags(ifMatch).includes(etagOf(version))) return;
  throw versionMismatch('If-Match names another version than the present one; read it again.', {
    headers: { etag: etagOf(version) },
  });
}

/** If-None-Match (RFC 9110 §13.1.2, weak comparison). */
export const isUnchanged = (ifNoneMatch: string | undefined, etag: string | undefined): boolean =>
  ifNoneMatch !== undefined &&
  etag !== undefined &&
  (ifNoneMatch.trim() === '*' || tags(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etag));
