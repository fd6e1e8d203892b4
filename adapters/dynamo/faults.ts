/** What DynamoDB's refusals mean to the engine. Its own words stay out: they may quote what is in a row. */
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { Fault } from '#core/fault.ts';

const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
]);
const REFUSALS = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'MissingAuthenticationToken',
  'ExpiredTokenException',
  'ExpiredToken',
  'InvalidClientTokenId',
]);

/** Any error of a call to the table that is not a failed condition. */
export function tableFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof DynamoDBServiceException)) return withoutAnswer(error);
  const { httpStatusCode = 0, requestId = 'none' } = error.$metadata;
  const said = `${error.name}, HTTP ${httpStatusCode}, request ${requestId}`;
  if (THROTTLES.has(error.name)) {
    return new Fault('throttled', 'table.slow_down', `the table asks for fewer requests (${said})`);
  }
  if (error.name === 'ResourceNotFoundException') {
    return new Fault('auth', 'table.missing', `there is no such table or index: check name and region (${said})`);
  }
  if (REFUSALS.has(error.name)) {
    return new Fault('auth', 'table.denied', `the table refused our credentials (${said})`);
  }
  if (httpStatusCode >= 500 || httpStatusCode === 0) return unreachable(said);
  return new Fault('bug', 'table.refused', `the table refused a request of ours (${said})`);
}

function withoutAnswer(error: unknown): Fault {
  if (!(error instanceof Error)) return unreachable('unknown');
  if (error.name === 'CredentialsProviderError') {
    return new Fault('auth', 'table.denied', 'there are no credentials for the table');
  }
  // Unlike its message, the code of a network error holds no address.
  return unreachable('code' in error && typeof error.code === 'string' ? error.code : error.name);
}

function unreachable(said: string): Fault {
  return new Fault('transient', 'table.unavailable', `the table cannot be reached (${said})`);
}
