import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { ERROR_CODES, type ErrorCode, FleetError } from "@shadowfleet/runtime";
import fc from "fast-check";
import { decodeStatus, encodeStatus, fromServiceError, invalidRequest, RpcError, toRpcStatus } from "../src/index.ts";

const back = (error: unknown) => fromServiceError(toRpcStatus(error));

describe("errors over gRPC", () => {
  it("arrive with the fleet's code, the registry's status, the message and every field", () => {
    const error = invalidRequest([
      { field: "port.port", description: "must be from 1 to 65535" },
      { field: "port.method", description: 'unknown method "Ä"' },
    ]);
    assert.deepEqual(back(error), {
      code: "INVALID_REQUEST",
      status: "INVALID_ARGUMENT",
      message: 'port.port: must be from 1 to 65535; port.method: unknown method "Ä"',
      fields: error.fields,
    });
  });

  for (const [code, { grpcStatus }] of Object.entries(ERROR_CODES)) {
    it(`${code} is ${grpcStatus}`, () => {
      const failure = back(new FleetError(code as ErrorCode, "why"));
      assert.deepEqual([failure.code, failure.status], [code, grpcStatus]);
      assert.equal(failure.message === "why", code !== "INTERNAL");
    });
  }

  it("say what lies beneath where there is no connection", () => {
    const wrapped =
      "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:9190 (2026-11-23T04:48:46.812Z). Resolution note: ";
    const failure = fromServiceError({ code: status.UNAVAILABLE, details: wrapped });
    assert.deepEqual([failure.code, failure.message], ["UNAVAILABLE", "connect ECONNREFUSED 127.0.0.1:9190"]);
    assert.equal(fromServiceError({ code: status.UNAVAILABLE, details: "Name resolution failed" }).message, "Name resolution failed");
  });

  it("hide what is none of the caller's business", () => {
    const bug = new TypeError("cannot read password 'hunter2'");
    const { code, details, metadata } = toRpcStatus(bug);
    assert.equal(code, status.INTERNAL);
    const bytes = metadata.get("grpc-status-details-bin")[0] as Buffer;
    assert.ok(!details.includes("hunter2") && !bytes.includes("hunter2"));
  });

  it("have the layout of google.rpc.Status with ErrorInfo and BadRequest", () => {
    const bytes = encodeStatus(3, "m", { reason: "R", fields: [{ field: "f", description: "d" }] });
    const any = (type: string, value: string) => {
      const url = `type.googleapis.com/google.rpc.${type}`;
      const body = `0a${hexLength(url.length)}${Buffer.from(url).toString("hex")}12${hexLength(value.length / 2)}${value}`;
      return `1a${hexLength(body.length / 2)}${body}`;
    };
    const errorInfo = `0a0152120b${Buffer.from("shadowfleet").toString("hex")}`;
    assert.equal(
      bytes.toString("hex"),
      `080312016d${any("ErrorInfo", errorInfo)}${any("BadRequest", "0a060a016612 0164".replace(" ", ""))}`,
    );
  });

  it("of other servers are read as far as they go", () => {
    assert.deepEqual(fromServiceError({ code: status.UNAVAILABLE, details: "no connection" }), {
      code: "UNAVAILABLE",
      status: "UNAVAILABLE",
      message: "no connection",
      fields: [],
    });
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from("garbage"));
    assert.equal(fromServiceError({ code: 99 as status, details: "", metadata }).code, "UNKNOWN");
  });

  it("fit into a header block and never fail to be sent, whatever is said", () => {
    const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 5_000 }), fc.string({ maxLength: 5_000 }));
    fc.assert(
      fc.property(anything, fc.array(fc.record({ field: anything, description: anything }), { maxLength: 60 }), (message, fields) => {
        const { details, metadata } = toRpcStatus(new RpcError("INVALID_REQUEST", message, fields));
        // What grpc-js does with them.
        assert.ok(encodeURI(details).length <= 9 * 1_500);
        assert.ok((metadata.get("grpc-status-details-bin")[0] as Buffer).length < 64 * 1024);
      }),
    );
  });

  it("are decoded from any bytes without throwing", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeStatus(bytes)));
  });
});

function hexLength(length: number): string {
  return length.toString(16).padStart(2, "0");
}
