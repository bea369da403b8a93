import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Access, accessToken, neededRole, RpcError } from "../src/index.ts";

const LIST = "/shadowfleet.v1.PortService/ListPorts";
const access = new Access([accessToken("ops", "admin", "admin-token"), accessToken("eyes", "viewer", "viewer-token")]);
const outcome = (path: string, authorization?: string): string => {
  const admitted = access.admit(path, authorization);
  return admitted instanceof RpcError ? admitted.code : admitted.name;
};

describe("access", () => {
  it("asks nobody for health and reflection", () => {
    for (const path of [
      "/grpc.health.v1.Health/Check",
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      "/grpc.reflection.v1alpha.ServerReflection/x",
    ]) {
      assert.equal(neededRole(path), undefined);
      assert.equal(outcome(path), "anyone");
    }
  });

  it("takes whatever it does not know for the most dangerous", () => {
    for (const path of [
      "/shadowfleet.v1.PortService/Frobnicate",
      "/shadowfleet.v1.PortService/Getaway",
      "/shadowfleet.v2.X/GetY",
      "/grpc.health.v2.Health/Check",
      "",
      "/x",
    ]) {
      assert.equal(neededRole(path), "admin", path);
    }
    assert.equal(neededRole("/shadowfleet.v1.AccessKeyService/GetAccessUri"), "admin", "it shows a secret");
  });

  it("knows a token by the whole of it, in a bearer header of any case", () => {
    assert.equal(outcome(LIST, "Bearer viewer-token"), "eyes");
    assert.equal(outcome(LIST, "bearer  viewer-token"), "eyes");
    for (const wrong of [
      "Bearer viewer-toke",
      "Bearer viewer-token2",
      "Bearer viewer-token x",
      "Basic viewer-token",
      "viewer-token",
      "Bearer",
      "",
    ]) {
      assert.equal(outcome(LIST, wrong), "NOT_AUTHENTICATED", wrong);
    }
    assert.equal(outcome(LIST), "NOT_AUTHENTICATED");
    assert.equal(outcome("/shadowfleet.v1.PortService/CreatePort", "Bearer viewer-token"), "NOT_PERMITTED");
  });

  it("keeps no token", () => {
    assert.ok(!JSON.stringify(accessToken("ops", "admin", "admin-token")).includes("admin-token"));
  });

  it("is open to everyone where no tokens are configured, and follows a replacement", () => {
    const open = new Access(undefined);
    assert.ok(!(open.admit("/shadowfleet.v1.PortService/CreatePort", undefined) instanceof RpcError));
    open.replace([accessToken("ops", "admin", "admin-token")]);
    assert.ok(open.admit("/shadowfleet.v1.PortService/CreatePort", undefined) instanceof RpcError);
  });
});
