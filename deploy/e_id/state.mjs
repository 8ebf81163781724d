// What the provider remembers while it runs: the people, what waits on their phones, and what a test has asked for.
import { createHash, timingSafeEqual } from 'node:crypto';

export const TRIES = 3;
const digest = (text) => createHash('sha256').update(String(text)).digest();

export class State {
  constructor({ people = {}, rewrite = {} }) {
    this.people = people;
    this.rewrite = rewrite;
    this.prompts = new Map(); // auth_req_id -> {accountId, clientId, params, status, tries}
    this.pings = [];
    this.next = null; // how the next login is answered without a page: {sub, outcome, acr, ago}
  }

  takeNext() {
    const { next } = this;
    this.next = null;
    return next;
  }

  byHint(hint) {
    const bare = hint.replace(/^(sub|tel):/, '');
    if (this.people[bare]) return bare;
    return Object.keys(this.people).find((id) => (this.people[id].hints ?? []).includes(bare));
  }

  /** The claims of one person in the words of both profiles (FTN's object identifiers, OpenID's names). */
  claims(id) {
    const { person, given_names: given, family_name: family, birth_date: born } = this.people[id];
    const all = {
      sub: id,
      'urn:oid:1.2.246.21': person, 'urn:oid:1.2.246.575.1.14': given, 'urn:oid:2.5.4.4': family,
      'urn:oid:1.3.6.1.5.5.7.9.1': born,
      personal_identity_code: person, given_name: given, family_name: family, birthdate: born,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  pending() {
    return [...this.prompts].filter(([, prompt]) => waits(prompt)).map(([id, prompt]) => ({ id, ...prompt }));
  }
}

/** Tell whether a prompt can still be answered. */
export const waits = (prompt) => prompt?.status === 'pending' && Date.now() < prompt.until;

/** What the caller must type, when the prompt is of a broker with secret transfer; else null. */
export function secretOf(params) {
  try {
    return JSON.parse(params.request_context ?? '{}').transfer_code ?? null;
  } catch {
    return null;
  }
}

export const same = (typed, wanted) => timingSafeEqual(digest(typed), digest(wanted));
