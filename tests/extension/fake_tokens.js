// @ts-check
// A server's doors for browsers, with the rules that the real one follows: a code or refresh token that is shown again
// gives the same successor, until the browser has used what it got; after that, showing it again ends the device. And
// all of it works only with the key that the pairing began with, in proofs that carry a nonce of the last minutes.

import { createHash } from "node:crypto";

import { PERSON, problemReply, proofIn, reply } from "./fake_browser.js";

export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const LIFE = 600;
const NONCE_LIFE = 300_000;

/** @typedef {{id: string, name: string, key: string, newest: number, received: number, ended: string | null}} Device */

/**
 * @param {ReturnType<typeof import("./fake_browser.js").fakeServer>} server whose doors these are
 * @param {{now: number}} clock milliseconds
 */
export function fakeTokens(server, clock) {
  /** @type {Device[]} */
  const devices = [];
  const pairing = { state: "pending", begun: 0, code: "BCDF-GHJK", key: "", device: /** @type {Device | null} */ (null) };
  /** Access tokens by device and generation; each asking makes another. @type {Map<string, [Device, number, number]>} */
  const access = new Map();
  let made = 0;

  /** @type {Set<string>} */
  const seen = new Set();

  /**
   * Whose key a request's proof was made with, or why it is not taken.
   * @param {import("./fake_browser.js").Asked} one
   * @param {string} [token]
   * @returns {Promise<{key: string} | {refused: Response}>}
   */
  async function proven(one, token) {
    const { key, claims } = await proofIn(one);
    const nonce = `nonce-${Math.floor(clock.now / NONCE_LIFE)}`;
    const status = token === undefined ? 400 : 401;
    if (claims.nonce !== nonce) {
      one.stale = true;
      const answer = problemReply("proof-nonce", status, "Again.", { error: "use_dpop_nonce" });
      answer.headers.set("DPoP-Nonce", nonce);
      return { refused: answer };
    }
    const ath = token && createHash("sha256").update(token).digest("base64url");
    const right = claims.htm === one.method && claims.htu === one.url && claims.ath === ath && !seen.has(claims.jti);
    seen.add(claims.jti);
    return right ? { key } : { refused: problemReply("proof-refused", status, "No.", { error: "invalid_dpop_proof" }) };
  }

  /** @param {Device} device @param {number} generation */
  function grant(device, generation) {
    device.newest = Math.max(device.newest, generation);
    made += 1;
    access.set(`access-token-${made}`, [device, generation, clock.now + LIFE * 1000]);
    return reply({
      access_token: `access-token-${made}`, token_type: "DPoP", expires_in: LIFE, refresh_token: `refresh-${device.id}-${generation}`,
      device: { id: device.id, name: device.name }, person: PERSON,
    });
  }

  /** @param {string} name @param {string} error */
  const refuse = (name, error) => problemReply(name, 400, "No.", { error });

  /** @param {any} body @param {string} key */
  function redeem(body, key) {
    if (body.device_code !== `device-code-${pairing.begun}` || key !== pairing.key) return refuse("grant-refused", "invalid_grant");
    if (pairing.state === "pending") return refuse("pairing-pending", "authorization_pending");
    if (pairing.state === "slow") return refuse("pairing-hasty", "slow_down");
    if (pairing.state === "denied") return refuse("pairing-denied", "access_denied");
    if (pairing.state === "over") return refuse("pairing-over", "expired_token");
    if (!pairing.device) {
      pairing.device = { id: `dev_${devices.length + 1}`, name: "Front desk", key, newest: 0, received: 0, ended: null };
      devices.push(pairing.device);
    }
    return pairing.device.received > 0 ? refuse("grant-refused", "invalid_grant") : grant(pairing.device, 1);
  }

  /** @param {any} body @param {string} key */
  function rotate(body, key) {
    const [, id, number] = /^refresh-(dev_\d+)-(\d+)$/.exec(body.refresh_token) ?? [];
    const device = devices.find((one) => one.id === id);
    const generation = Number(number);
    if (!device || generation > device.newest || key !== device.key) return refuse("grant-refused", "invalid_grant");
    if (device.ended) return refuse(device.ended, "invalid_grant");
    if (device.received > generation) {
      device.ended = "token-reused";
      return refuse("token-reused", "invalid_grant");
    }
    device.received = generation;
    return grant(device, generation + 1);
  }

  server.replies["POST /pairings"] = async (/** @type {any} */ one) => {
    const proof = await proven(one);
    if ("refused" in proof) return proof.refused;
    pairing.begun += 1;
    Object.assign(pairing, { state: "pending", device: null, key: proof.key });
    return reply({
      device_code: `device-code-${pairing.begun}`, user_code: pairing.code, verification_uri: "http://127.0.0.1:8787/pair",
      verification_uri_complete: `http://127.0.0.1:8787/pair?code=${pairing.code}`, expires_in: 600, interval: 2,
    });
  };
  server.replies["POST /token"] = async (/** @type {any} */ one) => {
    const proof = await proven(one);
    if ("refused" in proof) return proof.refused;
    return one.body.grant_type === DEVICE_GRANT ? redeem(one.body, proof.key) : rotate(one.body, proof.key);
  };
  server.replies["DELETE /devices/me"] = (/** @type {any} */ { headers }) => {
    const [device] = access.get(tokenIn(headers)) ?? [];
    if (device) device.ended = "device-revoked";
    return new Response(null, { status: 204 });
  };
  server.middleware.guard = async (one) => {
    if (one.path === "/pairings" || one.path === "/token") return null;
    const token = tokenIn(one.headers);
    const proof = await proven(one, token);
    if ("refused" in proof) return proof.refused;
    const [device, generation, until] = access.get(token) ?? [];
    if (!device || device.ended || clock.now >= Number(until) || device.key !== proof.key) return problemReply("token-refused", 401, "No.");
    device.received = Math.max(device.received, Number(generation));
    return null;
  };

  return { devices, pairing, access };
}

/** @param {Record<string, string>} headers */
const tokenIn = ({ Authorization = "" }) => Authorization.replace(/^DPoP /, "");
