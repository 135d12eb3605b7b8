import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Answer } from '../http/answer.ts';

const folder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

// Everything comes from this service: the page works without the Internet, and tells nobody that it was read.
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const page = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#swagger-ui', deepLinking: true, tryItOutEnabled: true });\n`;

const fileAnswer = (contentType: string, body: string): Answer => ({
  status: 200,
  headers: { 'content-type': contentType, 'content-security-policy': CSP, 'cache-control': 'max-age=3600' },
  body,
});

const asset = (file: string, contentType: string) => {
  let text: Promise<string> | undefined;
  return async (): Promise<Answer> => {
    text ??= readFile(path.join(folder, file), 'utf8');
    return fileAnswer(contentType, await text);
  };
};

/** `/docs` and the files it needs, by path. */
export const docsPage = (title: string): Readonly<Record<string, () => Answer | Promise<Answer>>> => ({
  '/docs': () => fileAnswer('text/html; charset=utf-8', page(title)),
  '/docs/start.js': () => fileAnswer('text/javascript; charset=utf-8', START),
  '/docs/swagger-ui.css': asset('swagger-ui.css', 'text/css; charset=utf-8'),
  '/docs/swagger-ui-bundle.js': asset('swagger-ui-bundle.js', 'text/javascript; charset=utf-8'),
});
