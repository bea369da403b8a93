import { at, type KubernetesObject } from "../objects/object.ts";

/** How a pod that is created by itself (no controller made it) ends. */
export type PodFate = "Succeeded" | "Failed";

const CONDITION_TIME = "2026-01-01T00:00:00Z";

function condition(type: string): object {
  return { type, status: "True", reason: "Fake", message: "", lastTransitionTime: CONDITION_TIME, lastUpdateTime: CONDITION_TIME };
}

/** The status that controllers would write once all is well; undefined where there is nothing to write. There are no controllers here, and no pods of theirs. */
export function goodStatusOf(object: KubernetesObject, podFate: (pod: KubernetesObject) => PodFate): object | undefined {
  const observedGeneration = at(object, "metadata", "generation");
  const replicas = (at(object, "spec", "replicas") as number | undefined) ?? 1;
  switch (object.kind) {
    case "Namespace":
      return { phase: "Active" };
    case "PersistentVolumeClaim":
      return { phase: "Bound" };
    case "Deployment": {
      const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
      return {
        observedGeneration,
        ...counts,
        conditions: [condition("Available"), { ...condition("Progressing"), reason: "NewReplicaSetAvailable" }],
      };
    }
    case "StatefulSet": {
      const counts = {
        replicas,
        currentReplicas: replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      };
      return { observedGeneration, ...counts, currentRevision: "one", updateRevision: "one" };
    }
    case "DaemonSet": {
      const counts = {
        currentNumberScheduled: 1,
        desiredNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberReady: 1,
        numberAvailable: 1,
      };
      return { observedGeneration, ...counts, numberMisscheduled: 0 };
    }
    case "Pod":
      return podStatus(podFate(object));
    case "Job":
      return { succeeded: 1, conditions: [condition("Complete")] };
    case "PodDisruptionBudget":
      return {
        observedGeneration,
        currentHealthy: 1,
        desiredHealthy: 1,
        disruptionsAllowed: 1,
        expectedPods: 1,
        conditions: [condition("DisruptionAllowed")],
      };
    case "Service":
      return at(object, "spec", "type") === "LoadBalancer" ? { loadBalancer: { ingress: [{ ip: "192.0.2.10" }] } } : { loadBalancer: {} };
    default:
      return undefined;
  }
}

function podStatus(phase: PodFate): object {
  const exitCode = phase === "Succeeded" ? 0 : 1;
  const state = { terminated: { exitCode, reason: phase === "Succeeded" ? "Completed" : "Error" } };
  return { phase, conditions: [], containerStatuses: [{ name: "main", ready: false, restartCount: 0, image: "", imageID: "", state }] };
}
