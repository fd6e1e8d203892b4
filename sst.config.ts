/// <reference path="./.sst/platform/config.d.ts" />
/** The AWS home. `npx sst deploy --stage production` makes or updates it; docs/deploy.md says what it costs and how it ends. */
export default $config({
  app({ stage }) {
    const isProduction = stage === 'production';
    return {
      name: 'entrepot',
      home: 'aws',
      // What holds files and rows outlives `sst remove` in production, which has to be unprotected first.
      removal: isProduction ? 'retain' : 'remove',
      protect: isProduction,
      // Exact, so that the types, the tests and a deployment are about the same resources.
      providers: { aws: { version: '7.20.0' }, random: { version: '4.18.2' } },
    };
  },
  async run() {
    const { bucket } = await import('./infra/staging.ts');
    const { page } = await import('./infra/page.ts');
    await import('./infra/functions.ts');
    await import('./infra/relay.ts');
    const { agents } = await import('./infra/agents.ts');
    await import('./infra/schedules.ts');
    await import('./infra/alarms.ts');
    const { dashboard } = await import('./infra/dashboard.ts');
    const outputs = { page: page.url, bucket: bucket.name, dashboard: dashboard.dashboardName };
    return agents === undefined ? outputs : { ...outputs, agents: agents.url };
  },
});
