// @ts-check
// The server's two doors that need no token: beginning a pairing, and getting tokens (RFC 8628 and RFC 6749).

import { problem } from "./problem.js";
import { validated } from "./request.js";

const CLIENT = "crmlink-extension";
const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
const MAX_NAME_LENGTH = 60;

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * @typedef {object} Begun
 * @property {string} device_code the secret half
 * @property {string} user_code what both sides show
 * @property {string} [verification_uri_complete]
 * @property {number} expires_in seconds
 * @property {number} [interval] seconds
 */

/**
 * @typedef {object} Grant
 * @property {string} access_token
 * @property {string} token_type
 * @property {number} expires_in seconds
 * @property {string} refresh_token
 * @property {{id: string, name: string}} device
 * @property {import("../types.js").Person} person
 */

/** @typedef {ReturnType<typeof createOAuthClient>} Tokens */

/**
 * @param {import("./request.js").Call} call
 * @param {import("./dpop.js").Prover["newKey"]} newKey
 */
export function createOAuthClient(call, newKey) {
  /**
   * @param {string} server
   * @param {Record<string, string>} fields
   * @returns {Promise<Answer<Grant>>}
   */
  const grant = async (server, fields) => {
    const answer = validated(isTokenResponse, await call(server, "POST", "/token", { form: { client_id: CLIENT, ...fields } }));
    // Tokens that are not bound to our key would open the server to anyone who copies them.
    return answer.ok && !/^dpop$/i.test(answer.data.token_type) ? { ok: false, problem: problem("server-too-old") } : answer;
  };

  return {
    /**
     * Begin with a key of its own, which the tokens will be bound to.
     * @param {string} server
     * @param {string} name what an admin sees: "Chrome on Windows"
     * @returns {Promise<Answer<Begun>>}
     */
    async requestDeviceCode(server, name) {
      try {
        await newKey();
      } catch {
        return { ok: false, problem: problem("key-unreadable") };
      }
      return validated(isDeviceAuthorization, await call(server, "POST", "/pairings", { form: { client_id: CLIENT, browser: name.slice(0, MAX_NAME_LENGTH) } }));
    },

    /** @param {string} server @param {string} code */
    redeem: (server, code) => grant(server, { grant_type: DEVICE_CODE, device_code: code }),

    /** @param {string} server @param {string} token */
    renew: (server, token) => grant(server, { grant_type: "refresh_token", refresh_token: token }),
  };
}

/** @param {unknown} value */
const isToken = (value) => typeof value === "string" && /^[\x21-\x7e]{8,4000}$/.test(value);

/** @param {unknown} value */
const isText = (value) => typeof value === "string";

/**
 * @param {any} value
 * @returns {value is Begun}
 */
function isDeviceAuthorization(value) {
  return (
    isToken(value?.device_code) && isText(value.user_code) && /^[A-Z0-9-]{4,20}$/.test(value.user_code) &&
    value.expires_in > 0 && (value.interval === undefined || value.interval > 0)
  );
}

/**
 * @param {any} value
 * @returns {value is Grant}
 */
function isTokenResponse(value) {
  return (
    isToken(value?.access_token) && isToken(value.refresh_token) && isText(value.token_type) && value.expires_in > 0 &&
    isText(value.device?.id) && isText(value.device.name) && isText(value.person?.name) && isText(value.person.role)
  );
}
