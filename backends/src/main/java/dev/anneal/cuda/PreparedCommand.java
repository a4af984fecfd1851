package dev.anneal.cuda;

import static dev.anneal.cuda.CudaErrors.check;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A command with all that the driver wants of it made before the first run. */
interface PreparedCommand {
  int SLOT = 8;

  void enqueue(CUstream stream);

  static PreparedCommand of(Command.Clear clear) {
    CUdeviceptr address = DevicePointer.at(clear.address());
    return stream ->
        check(JCudaDriver.cuMemsetD8Async(address, (byte) 0, clear.bytes(), stream), "clearing");
  }

  static PreparedCommand of(Command.Launch launch, CUfunction function) {
    Pointer parameters = parameters(launch.arguments());
    Command.Grid grid = launch.grid();
    String doing = "running " + launch.kernel();
    return stream ->
        check(
            JCudaDriver.cuLaunchKernel(
                function,
                grid.x(),
                grid.y(),
                grid.z(),
                launch.threads(),
                1,
                1,
                launch.sharedBytes(),
                stream,
                parameters,
                null),
            doing);
  }

  /** A pointer to pointers to the values. */
  private static Pointer parameters(List<Argument> arguments) {
    ByteBuffer values =
        ByteBuffer.allocateDirect(SLOT * arguments.size()).order(ByteOrder.nativeOrder());
    Pointer first = Pointer.to(values);
    NativePointerObject[] pointers = new NativePointerObject[arguments.size()];
    for (int i = 0; i < pointers.length; i++) {
      arguments.get(i).put(values, SLOT * i);
      pointers[i] = first.withByteOffset((long) SLOT * i);
    }
    return Pointer.to(pointers);
  }
}
