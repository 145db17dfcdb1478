// Wrapped around a built Worker by `cargo xtask bench --processors`: its requests to others leave workerd at once, as they
// leave it at Cloudflare. Miniflare has each of them taken and made anew by a Worker of its own first.
//
// At /bare it does nothing but send a request of a payment so often as it is told: what any Worker takes for that.
import Built from "./index.js";
export * from "./index.js";

export default class extends Built {
  constructor(context, env) {
    super(context, env);
    globalThis.fetch = (url, init) => env.OUTSIDE.fetch(url, init);
  }
  async fetch(request) {
    if (new URL(request.url).pathname !== "/bare") return super.fetch(request);
    const { times, url, headers, body } = await request.json();
    for (let sent = 0; sent < times; sent += 1) {
      const answer = await fetch(url, { method: "POST", headers, body });
      await answer.text();
    }
    return Response.json({});
  }
}
