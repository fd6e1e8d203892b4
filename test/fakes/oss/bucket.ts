/** What a bucket is set to. */
import { type Answer, type Exchange, xmlAnswer } from './exchange.ts';
import { refuse } from './refusal.ts';

export function getCors({ store }: Exchange): Answer {
  const rules = store.rules.get('cors');
  if (rules === undefined) refuse(404, 'NoSuchCORSConfiguration', 'The CORS Configuration does not exist.');
  return xmlAnswer(rules);
}

export function putCors({ store, body }: Exchange): Answer {
  const rules = body.toString();
  if (!/<AllowedOrigin>.*<AllowedMethod>/.test(rules)) refuse(400, 'MalformedXML', 'The XML you provided is bad.');
  store.rules.set('cors', rules);
  return { status: 200 };
}

export function getLifecycle({ store }: Exchange): Answer {
  const rules = store.rules.get('lifecycle');
  if (rules === undefined) refuse(404, 'NoSuchLifecycle', 'No Row found in Lifecycle Table.');
  return xmlAnswer(rules);
}
