/** In place of wrangler: notes what it was asked, remembers what was made, and says what wrangler 4.164 says of it. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

const args = process.argv.slice(2);
const { FAKE_WRANGLER_FOLDER: folder = '', WRANGLER_OUTPUT_FILE_PATH: told = '', CLOUDFLARE_ACCOUNT_ID } = process.env;
const path = `${folder}/made.json`;
/** @type {Record<string, any>} */
const made = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { secrets: [] };
const option = (name) => args[args.indexOf(name) + 1];
const files = ['--file', '--secrets-file'].filter((name) => args.includes(name)).map(option);
const contents = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const shown = args.map((arg) => (files.includes(arg) ? '<file>' : arg)).join(' ');
appendFileSync(
  `${folder}/asked.ndjson`,
  `${JSON.stringify({ asked: shown, account: CLOUDFLARE_ACCOUNT_ID, contents })}\n`,
);

const [words] = shown.split(' -');
switch (words) {
  case 'whoami':
    say('{"loggedIn":true,"accounts":[{"id":"acc0","name":"mine"}]}');
    break;
  case 'secret list':
    if (made.worker === undefined) refuse('✘ [ERROR] Worker "entrepot" not found.');
    say(JSON.stringify(made.secrets.map((name) => ({ name, type: 'secret_text' }))));
    break;
  case 'deploy':
    // Until somebody stops it.
    if (process.env['FAKE_WRANGLER_HANGS']) await new Promise((resolve) => setTimeout(resolve, 300_000));
    made.worker = true;
    made.secrets = [...new Set([...made.secrets, ...Object.keys(contents[0])])];
    appendFileSync(told, '{"type":"wrangler-session","version":1}\n');
    appendFileSync(told, '{"type":"deploy","version":1,"targets":["https://entrepot.somebody.workers.dev"]}\n');
    break;
  default:
    if (/^r2 bucket info/.test(words) && !made[args[3]]) refuse('The specified bucket does not exist. [code: 10006]');
    if (/^queues info/.test(words) && !made[args[2]]) refuse(`Queue "${args[2]}" does not exist.`);
    if (/^r2 bucket create/.test(words)) made[args[3]] = true;
    if (/^queues create/.test(words)) made[args[2]] = true;
    if (/notification create/.test(words)) made[`rule ${option('--prefix')}`] = option('--queue');
    if (/notification list/.test(words)) {
      const rules = Object.keys(made).filter((name) => name.startsWith('rule '));
      if (rules.length === 0) refuse('No event notification configuration found. [code: 11015]');
      say(
        rules.map((name) => `rule_id:     1\nqueue_name:  ${made[name]}\nprefix:      ${name.slice(5)}\n`).join('\n'),
      );
    }
}
writeFileSync(path, JSON.stringify(made));

function say(text) {
  process.stdout.write(`${text}\n`);
}

function refuse(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
