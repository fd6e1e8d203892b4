/** The OpenAPI document as one plain page that needs nothing from anywhere. */
import { html, raw } from 'hono/html';

interface Described {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, unknown>>;
}

const METHODS = ['get', 'post', 'patch', 'put', 'delete'];

export function docsPage(document: Described) {
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, { summary?: string; requestBody?: unknown; responses?: unknown }>)[
        method
      ];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${document.info.title} API</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>${document.info.title} API</h1>
          <p>${document.info.description ?? ''} As <a href="/docs/openapi.json">OpenAPI 3.1</a>. Every route but this
          page and <code>/healthz</code> needs <code>Authorization: Bearer &lt;token&gt;</code>.</p>
          ${routes.map(
            ({ method, path, operation }) => html`<details>
              <summary><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code> ${operation.summary ?? ''}</summary>
              ${
                operation.requestBody === undefined
                  ? ''
                  : html`<h2>Request</h2>
                    <pre>${JSON.stringify(operation.requestBody, null, 2)}</pre>`
              }
              <h2>Answers</h2>
              <pre>${JSON.stringify(operation.responses, null, 2)}</pre>
            </details>`,
          )}
        </main>
      </body>
    </html>`;
}

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .5rem 0; }
  summary { cursor: pointer; } summary code { margin: 0 .75rem; }
  b { display: inline-block; width: 4.5rem; } .post { color: #2a7d46; } .delete { color: #b3372f; } .patch { color: #a06a00; }
  pre { overflow: auto; padding: .75rem; border-radius: .5rem; background: color-mix(in srgb, currentColor 7%, transparent); }
  h2 { font-size: .9rem; margin: .75rem 0 .25rem; }
`;
