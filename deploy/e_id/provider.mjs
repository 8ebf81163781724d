// A real, certified OpenID provider for the demo and the tests, on loopback only. It plays the broker of strong e-ID:
// whoever opens its pages may log in as anybody it knows, so it must never stand where real people could reach it.
//
//   node provider.mjs CONFIG.json     or     node provider.mjs < CONFIG.json (one line; ends when stdin does)
//
// {port, tries, clients: [OpenID client metadata with public keys], people: {id: {name, customer, acr, person,
//  given_names, family_name, birth_date, hints: []}}, testing: bool, rewrite: {"https://rp.test": "http://..."}}
//
// It listens on `port` or one of the `tries` after it (0: any), then says {"ready": true, "issuer": "..."} on stdout.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';
import { configuration } from './configuration.mjs';
import { State } from './state.mjs';
import { login } from './login.mjs';
import { device } from './device.mjs';
import { control } from './control.mjs';

const HOST = '127.0.0.1';
const FAILED = ['server_error', 'authorization.error', 'grant.error', 'interaction.error',
  'pushed_authorization_request.error', 'backchannel_authentication.error'];
console.info = console.warn = console.error; // stdout says one thing only: that we are ready

async function given() {
  if (process.argv[2]) return JSON.parse(readFileSync(process.argv[2], 'utf8'));
  const lines = createInterface({ input: process.stdin });
  lines.once('close', () => process.exit(0)); // whoever started us is gone, however he went
  return new Promise((resolve) => { lines.once('line', (line) => resolve(JSON.parse(line))); });
}

function listen(server, port, tries) {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (error.code !== 'EADDRINUSE' || tries < 1) reject(error);
      else resolve(listen(server, port + 1, tries - 1));
    });
    server.listen(port, HOST, () => resolve(server.address().port));
  });
}

// FTN-style brokers take `request` as the only parameter of the query; the library wants the client's name beside it.
async function nameTheClient(ctx, next) {
  const { request, client_id: named } = ctx.query;
  if (ctx.path === '/auth' && typeof request === 'string' && !named) {
    try {
      const claims = JSON.parse(Buffer.from(request.split('.')[1], 'base64url').toString());
      ctx.query = { request, client_id: String(claims.iss) }; // what is signed is compared with it afterwards
    } catch { /* no request object: the library says what is wrong with it */ }
  }
  await next();
}

const config = await given();
const server = createServer();
const port = await listen(server, config.port ?? 0, config.tries ?? 0);
const issuer = `http://${HOST}:${port}`;
const state = new State(config);
const provider = new Provider(issuer, await configuration(config, state));
if (config.testing) {
  const exactly = provider.Client.prototype.redirectUriAllowed;
  provider.Client.prototype.redirectUriAllowed = function onAnyPort(uri) {
    const asked = new URL(uri);
    return exactly.call(this, uri) || this.redirectUris.some((known) => new URL(known).pathname === asked.pathname
      && ['localhost', HOST].includes(asked.hostname));
  };
}
provider.use(nameTheClient);
provider.use(login(provider, state));
provider.use(device(provider, state, issuer));
if (config.testing) provider.use(control(provider, state));
for (const failed of FAILED) { // codes only: descriptions may hold what somebody typed
  provider.on(failed, (_ctx, error) => console.error(failed, error?.error ?? error?.name, config.testing ? error?.error_description ?? error?.message : '', config.testing ? error?.error_detail ?? '' : ''));
}
server.on('request', provider.callback());
for (const asked of ['SIGTERM', 'SIGINT']) process.on(asked, () => process.exit(0));
process.stdout.write(`${JSON.stringify({ ready: true, issuer })}\n`);
