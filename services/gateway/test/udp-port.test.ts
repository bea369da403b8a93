import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { bindUdp, closeUdp, createMemoryLogger, eventually, expectNoOpenHandles, wrapDatagram } from "@shadowfleet/testkit";
import { PacketCounts } from "../src/datagram/packet-counts.ts";
import { type DatagramClient, UdpPort } from "../src/datagram/udp-port.ts";

expectNoOpenHandles();

type Sender = Awaited<ReturnType<typeof bindUdp>>;

class RecordingClient implements DatagramClient {
  readonly clientHost = "127.0.0.1";
  clientPort: number;
  readonly received: string[] = [];
  detached = 0;

  constructor(clientPort = 0) {
    this.clientPort = clientPort;
  }

  onDatagram(_target: unknown, payload: Buffer): void {
    this.received.push(payload.toString());
  }

  onDetached(): void {
    this.detached++;
  }
}

describe("UDP port", () => {
  let port: UdpPort;
  let packets: PacketCounts;
  let senders: Sender[];

  beforeEach(async () => {
    packets = new PacketCounts();
    port = new UdpPort({ host: "127.0.0.1", port: 0, packets, logger: createMemoryLogger().logger });
    senders = await Promise.all([1, 2, 3].map(() => bindUdp({ host: "127.0.0.1" })));
  });
  afterEach(async () => {
    port.close();
    await Promise.all(senders.map(closeUdp));
  });

  async function send(sender: Sender, text: string, to: RecordingClient): Promise<void> {
    const datagram = wrapDatagram({ host: "192.0.2.1", port: 53 }, Buffer.from(text));
    await eventually(`"${text}" arrives`, () => {
      sender.send(datagram, port.port, "127.0.0.1");
      return to.received.includes(text);
    });
  }

  async function sendToNobody(sender: Sender): Promise<void> {
    const before = packets.get("up", "PROXY_AUTH_FAILED");
    sender.send(wrapDatagram({ host: "192.0.2.1", port: 53 }, Buffer.from("lost")), port.port, "127.0.0.1");
    await eventually("it is counted as a stranger's", () => packets.get("up", "PROXY_AUTH_FAILED") > before);
  }

  test("one association at a time: its sender goes with it, at once", async () => {
    for (const sender of senders) {
      const client = new RecordingClient();
      port.attach(client);
      await send(sender, "mine", client);
      port.detach(client);
      assert.equal(client.detached, 1);
      await sendToNobody(sender);
    }
  });

  test("crossed first datagrams: ending one association does not silence the program of another", async () => {
    const [first, second] = [new RecordingClient(), new RecordingClient()];
    port.attach(first);
    port.attach(second);
    // The second program is quicker, so it gets the first association, and the other way round.
    await send(senders[1]!, "from the second", first);
    await send(senders[0]!, "from the first", second);
    // The first program ends. The sender it seems to own is the second program's.
    port.detach(first);
    assert.deepEqual([first.detached, port.clients], [0, 2]);
    await send(senders[1]!, "still there", first);
    port.detach(second);
    assert.deepEqual([first.detached, second.detached, port.clients], [1, 1, 0]);
    await sendToNobody(senders[1]!);
  });

  test("an association that was in doubt but never got a sender ends at once", async () => {
    const [first, second] = [new RecordingClient(), new RecordingClient()];
    port.attach(first);
    port.attach(second);
    await send(senders[0]!, "x", first);
    port.detach(second);
    assert.deepEqual([second.detached, first.detached], [1, 0]);
    port.detach(first);
    assert.equal(first.detached, 1);
  });

  test("dropping (idle) ends it whatever the doubt, once", async () => {
    const [first, second] = [new RecordingClient(), new RecordingClient()];
    port.attach(first);
    port.attach(second);
    await send(senders[0]!, "x", first);
    await send(senders[1]!, "y", second);
    port.drop(first);
    port.detach(first);
    assert.equal(first.detached, 1);
    await sendToNobody(senders[0]!);
    port.detach(second);
    assert.deepEqual([first.detached, second.detached, port.clients], [1, 1, 0]);
  });

  test("an announced port is owned by whoever announced it last", async () => {
    const announced = senders[0]!.address().port;
    const [former, latter] = [new RecordingClient(announced), new RecordingClient(announced)];
    port.attach(former);
    port.attach(latter);
    assert.deepEqual([former.detached, latter.detached], [1, 0]);
    await send(senders[0]!, "z", latter);
    port.detach(former);
    await send(senders[0]!, "again", latter);
    port.detach(latter);
    assert.deepEqual([former.detached, latter.detached], [1, 1]);
  });

  test("closing frees the port only when the last association has ended", async () => {
    const client = new RecordingClient();
    port.attach(client);
    port.close();
    await send(senders[0]!, "still served", client);
    port.detach(client);
    const probe = await bindUdp({ host: "127.0.0.1", port: port.port });
    await closeUdp(probe);
  });

  test("a taken port number leads to another one", async () => {
    const other = new UdpPort({ host: "127.0.0.1", port: port.port, packets, logger: createMemoryLogger().logger });
    assert.notEqual(other.port, port.port);
    other.close();
  });
});
