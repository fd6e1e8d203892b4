/** `/docs`: the API described, for people and, as OpenAPI, for programs. */
import type { Api } from '../api.ts';
import { docsPage } from '../docs-page.ts';

export function docsRoutes(app: Api): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  const describe = () =>
    app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: { title: 'Entrepot', version: '1', description: 'Stage files in object storage, deliver them anywhere.' },
    });
  app.get('/docs/openapi.json', (c) => c.json(describe()));
  app.get('/docs', (c) => c.html(docsPage(describe())));
}
