/** The API's address behind the CDN. Its function is added in functions.ts, which has to know the page's address first. */
import { stage } from './stage.ts';

/** Without the path: one that was given to Uppy is a key in itself. */
const LOGGED = {
  at: '$context.requestTime',
  requestId: '$context.requestId',
  method: '$context.httpMethod',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  integrationStatus: '$context.integration.status',
  integrationError: '$context.integration.error',
  ip: '$context.identity.sourceIp',
};

export const gateway = new sst.aws.ApiGatewayV2('Gateway', {
  // The page has the same origin; Uppy's routes answer for themselves.
  cors: false,
  accessLog: { retention: stage.logs },
  transform: {
    stage: (args) => {
      // A stranger without a token can cost no more than this.
      args.defaultRouteSettings = { throttlingBurstLimit: 200, throttlingRateLimit: 100, detailedMetricsEnabled: true };
      args.accessLogSettings = $output(args.accessLogSettings).apply((log) => ({
        destinationArn: log?.destinationArn ?? '',
        format: JSON.stringify(LOGGED),
      }));
    },
  },
});
