// A real OpenID Connect provider on a port of its own, for the tests of single sign-on.
// Started with the addresses to return to; prints its issuer. Whoever logs in as NAME has the
// email NAME@firm.example; as «unproven…», one that no one has confirmed.

import http from "node:http";
import Provider from "oidc-provider";

/** @param {string} id */
const claimsOf = (id) => ({
  sub: id,
  email: `${id}@firm.example`,
  email_verified: !id.startsWith("unproven"),
});

/** @type {ReturnType<Provider["callback"]>} */
let answer;
const server = http.createServer((request, reply) => answer(request, reply));
server.listen(0, "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  const issuer = `http://127.0.0.1:${address.port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "crmlink",
        client_secret: "marked-oidc-secret-7c41",
        redirect_uris: process.argv.slice(2),
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    cookies: { keys: ["a key of the tests"] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => claimsOf(id) }),
    pkce: { required: () => true },
  });
  answer = provider.callback();
  console.log(issuer);
});
process.stdin.resume().on("end", () => process.exit()); // the process that started it is gone
