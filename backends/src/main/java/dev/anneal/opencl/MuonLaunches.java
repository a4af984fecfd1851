package dev.anneal.opencl;

import static dev.anneal.opencl.Argument.activations;
import static dev.anneal.opencl.Argument.count;
import static dev.anneal.opencl.Argument.data;
import static dev.anneal.opencl.Argument.flag;
import static dev.anneal.opencl.Argument.real;

import dev.anneal.plan.MuonOp;
import dev.anneal.plan.Tensor;

/** Launches of muon.cl. */
final class MuonLaunches {
  private static final Source MUON = Source.of("muon");

  private MuonLaunches() {}

  static Launches of(MuonOp op, KernelVersions versions) {
    return switch (op) {
      case MuonOp.MuonMomentum o ->
          launch(
              "muon_momentum_v1",
              o.direction(),
              versions,
              data(o.direction()),
              data(o.momentum()),
              data(o.gradient()),
              data(o.norm()),
              real(o.beta()),
              real(o.maxNorm()),
              count(o.direction().elements()));
      case MuonOp.Normalize o ->
          launch(
              "normalize_v1",
              o.out(),
              versions,
              activations(o.out()),
              data(o.in()),
              data(o.length()),
              real(o.epsilon()),
              count(o.out().shape().dim(0)),
              count(o.out().shape().dim(1)),
              flag(o.transposed()));
      case MuonOp.WeightedSum o ->
          launch(
              "weighted_sum_v1",
              o.out(),
              versions,
              activations(o.out()),
              activations(o.a()),
              real(o.alpha()),
              activations(o.b()),
              real(o.beta()),
              count(o.out().elements()));
      case MuonOp.MuonUpdate o ->
          launch(
              "muon_update_v1",
              o.parameter(),
              versions,
              data(o.parameter()),
              activations(o.direction()),
              data(o.norm()),
              data(o.schedule()),
              real(o.rate()),
              real(o.scale()),
              real(o.weightDecay()),
              count(o.parameter().shape().dim(0)),
              count(o.parameter().shape().dim(1)),
              flag(o.transposed()));
    };
  }

  private static Launches launch(
      String kernel, Tensor each, KernelVersions versions, Argument... arguments) {
    return Launches.of(
        Launch.of(MUON, kernel, Grid.items(each.elements(), versions.limits()), arguments));
  }
}
