// A merchant's own server that takes webhooks: it verifies each with Stripe's library and with that of Standard
// Webhooks, and answers as the test wants.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

/** A delivery that arrived, when, and whether both libraries took it. */
export type Delivery = {
  path: string;
  at: number;
  event: Stripe.Event;
  problem: string | undefined;
  /** Whether both libraries take it with this secret. */
  verifies: (secret: string) => boolean;
};

/** How to answer; 200 unless the test says otherwise. */
type Answerer = (request: IncomingMessage, response: ServerResponse, event: Stripe.Event) => void;

export class Receiver {
  readonly deliveries: Delivery[] = [];
  /** The secrets that deliveries to a path may be signed with. */
  readonly secrets = new Map<string, string>();
  /** How far its clock is ahead, in seconds, for a server whose development clock is. */
  ahead = 0;
  answer: Answerer = (_, response) => response.end("taken");
  readonly #stripe = new Stripe("sk_test_unused");
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Makes an endpoint of an account that leads here. */
  async endpoint(stripe: Stripe, path: string, enabled_events: string[] = ["*"]): Promise<Stripe.WebhookEndpoint> {
    const params = { url: this.url(path), enabled_events } as Stripe.WebhookEndpointCreateParams;
    const endpoint = await stripe.webhookEndpoints.create(params);
    this.secrets.set(path, endpoint.secret ?? "");
    return endpoint;
  }

  /** The deliveries to a path so far. */
  at(path: string): Delivery[] {
    return this.deliveries.filter((delivery) => delivery.path === path);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const path = request.url ?? "";
    const event = JSON.parse(body) as Stripe.Event;
    const problem = this.#problem(request, this.secrets.get(path) ?? "", body);
    const verifies = (secret: string) => this.#problem(request, secret, body) === undefined;
    this.deliveries.push({ path, at: Date.now(), event, problem, verifies });
    this.answer(request, response, event);
  }

  #problem(request: IncomingMessage, secret: string, body: string): string | undefined {
    // The libraries ask for the time themselves.
    const { now } = Date;
    Date.now = () => now() + this.ahead * 1000;
    try {
      this.#stripe.webhooks.constructEvent(body, String(request.headers["stripe-signature"]), secret);
      new Webhook(secret).verify(body, request.headers as Record<string, string>);
      return undefined;
    } catch (error) {
      return String(error);
    } finally {
      Date.now = now;
    }
  }
}
