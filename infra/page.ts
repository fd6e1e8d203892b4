/** One name for everything: the page from its bucket, the API and the sockets from where they run. */
import { gateway } from './gateway.ts';
import { door, doorOrigin } from './network.ts';
import { stage } from './stage.ts';

const API = 'api';
const RELAY = 'relay';

const API_PATHS = ['/api/*', '/compat/*', '/docs', '/docs/*', '/healthz', '/metrics', '/send-notification', '/stats'];
const RELAY_PATHS = [
  ...['/ws', '/ws/*', '/internal/progress', '/internal/stats'],
  ...(stage.agentDomain === undefined ? [] : ['/internal/agents']),
];

/** Chunks go to the bucket, which has an origin of its own; everything else comes from here. */
const CONTENT_POLICY = [
  "default-src 'self'",
  'connect-src *',
  "img-src 'self' data: blob:",
  "style-src 'self' 'unsafe-inline'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const headers = new aws.cloudfront.ResponseHeadersPolicy('PageHeaders', {
  name: stage.named('page'),
  securityHeadersConfig: {
    contentSecurityPolicy: { contentSecurityPolicy: CONTENT_POLICY, override: true },
    contentTypeOptions: { override: true },
    referrerPolicy: { referrerPolicy: 'no-referrer', override: true },
    strictTransportSecurity: { accessControlMaxAgeSec: 31_536_000, override: true },
  },
});

// Answers to two owners are never one: with any other policy CloudFront may join requests that look alike.
const uncached = aws.cloudfront.getCachePolicyOutput({ name: 'Managed-CachingDisabled' });
/** The gateway goes by its own host name. */
const allViewerButHost = aws.cloudfront.getOriginRequestPolicyOutput({ name: 'Managed-AllViewerExceptHostHeader' });
/** The relay compares a page's origin with the name that it was called by. */
const allViewer = aws.cloudfront.getOriginRequestPolicyOutput({ name: 'Managed-AllViewer' });

const apiOrigin = {
  originId: API,
  domainName: gateway.url.apply((url) => new URL(url).host),
  customOriginConfig: {
    httpPort: 80,
    httpsPort: 443,
    originProtocolPolicy: 'https-only',
    originSslProtocols: ['TLSv1.2'],
    // As long as the gateway may take.
    originReadTimeout: 30,
  },
};

const relayOrigin = {
  originId: RELAY,
  domainName: door.dnsName,
  vpcOriginConfig: { vpcOriginId: doorOrigin.id },
};

export const page = new sst.aws.StaticSite('Page', {
  build: { command: 'npx vite build web', output: 'web/dist' },
  assets: {
    fileOptions: [
      { files: '**', cacheControl: 'max-age=0,no-cache,must-revalidate' },
      { files: 'assets/**', cacheControl: 'max-age=31536000,public,immutable' },
    ],
  },
  dev: false,
  ...(stage.domain === undefined ? {} : { domain: stage.domain }),
  transform: {
    assets: { cors: false },
    cdn: (args) => {
      args.origins = $output(args.origins).apply((origins) => [...origins, apiOrigin, relayOrigin]);
      args.defaultCacheBehavior = $output(args.defaultCacheBehavior).apply((behavior) => ({
        ...behavior,
        responseHeadersPolicyId: headers.id,
      }));
      args.orderedCacheBehaviors = [
        ...API_PATHS.map((path) => passedOn(path, API, allViewerButHost)),
        ...RELAY_PATHS.map((path) => passedOn(path, RELAY, allViewer)),
      ];
      args.transform = { distribution: { httpVersion: 'http2and3', isIpv6Enabled: true } };
    },
  },
});

/** Every method, nothing kept. */
function passedOn(pathPattern: string, targetOriginId: string, policy: typeof allViewer) {
  return {
    pathPattern,
    targetOriginId,
    originRequestPolicyId: policy.apply(({ id }) => id ?? ''),
    cachePolicyId: uncached.apply(({ id }) => id ?? ''),
    viewerProtocolPolicy: 'https-only',
    allowedMethods: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'],
    cachedMethods: ['GET', 'HEAD'],
    compress: true,
  };
}
