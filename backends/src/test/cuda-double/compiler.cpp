// libnvrtc.so.13 and libhiprtc.so.7 of the test double: what a vendor's run-time compiler offers, with
// the host's C++ compiler. Compiled once for each, with PREFIX, what its functions' names begin with, and
// DRIVER, the file that its modules are linked to. A program's image is a shared library that the
// double's driver can load. The kernels that the text names with KERNEL(threads) get an entry that the
// driver finds by name.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#define API extern "C" __attribute__((visibility("default")))
#define FUNCTION(name) JOINED(PREFIX, name)
#define JOINED(prefix, name) JOINED_AS_THEY_ARE(prefix, name)
#define JOINED_AS_THEY_ARE(prefix, name) prefix##name

namespace {

struct Program {
  std::string source, log, image;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string folder() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&folder), &info);
  std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

std::string entries(const std::string& source) {
  static const std::regex kernel("\\nKERNEL\\(([^),\\n]*)[^)\\n]*\\)\\s+(\\w+)\\(");
  std::string text;
  for (std::sregex_iterator i(source.begin(), source.end(), kernel), end; i != end; ++i) {
    std::string name = (*i)[2];
    text += "extern \"C\" const DoubleKernel " + name + "__kernel;\nconst DoubleKernel " + name +
            "__kernel = double_kernel(" + name + ", " + (*i)[1].str() + ");\n";
  }
  return text;
}

}  // namespace

API int FUNCTION(Version)(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return 0;
}

API const char* FUNCTION(GetErrorString)(int code) {
  return code == 0 ? "SUCCESS" : code == 6 ? "ERROR_COMPILATION" : "ERROR";
}

API int FUNCTION(CreateProgram)(Program** program, const char* source, const char*, int, const char**,
                           const char**) {
  *program = new Program{source, "", ""};
  return 0;
}

API int FUNCTION(DestroyProgram)(Program** program) {
  delete *program;
  *program = nullptr;
  return 0;
}

API int FUNCTION(CompileProgram)(Program* program, int count, const char** options) {
  char pattern[] = "/tmp/anneal-double-XXXXXX";
  if (!mkdtemp(pattern)) {
    return 4;
  }
  std::string work = pattern;
  std::ofstream(work + "/kernel.cpp") << program->source << "\n" << entries(program->source);
  // Without unique symbols: shared memory of a kernel for another wave has another size.
  std::string command =
      "g++ -std=c++17 -fno-gnu-unique -fPIC -shared -march=native -ffp-contract=off -w -include '" + folder() +
      "/double.h'";
  // With a sanitizer the module is for replay.cpp, which has the fibers itself. Optimisation takes
  // longer than what it saves, but for races.
  std::string driver = " -O1 '" + folder() + "/" DRIVER "'";
  for (int i = 0; i < count; i++) {
    std::string option = options[i];
    if (option.rfind("-D", 0) == 0) {
      command += " '" + option + "'";
    } else if (option.rfind("-fsanitize", 0) == 0) {
      command += " '" + option + "'";
      bool races = option.find("thread") != std::string::npos;
      driver = std::string(races ? " -O1" : " -O0") + " -g1 -fno-sanitize-recover=all";
    }
  }
  command += " -o '" + work + "/kernel.so' '" + work + "/kernel.cpp'" + driver + " >'" + work +
             "/log' 2>&1";
  int status = system(command.c_str());
  program->log = read_file(work + "/log");
  if (status == 0) {
    program->image = read_file(work + "/kernel.so");
  }
  for (const char* file : {"/kernel.cpp", "/kernel.so", "/log"}) {
    unlink((work + file).c_str());
  }
  rmdir(work.c_str());
  return status == 0 ? 0 : 6;
}

API int FUNCTION(GetProgramLogSize)(Program* program, size_t* bytes) {
  *bytes = program->log.size() + 1;
  return 0;
}

API int FUNCTION(GetProgramLog)(Program* program, char* to) {
  program->log.copy(to, program->log.size());
  to[program->log.size()] = 0;
  return 0;
}

API int FUNCTION(GetCUBINSize)(Program* program, size_t* bytes) {
  *bytes = program->image.size();
  return 0;
}

API int FUNCTION(GetCUBIN)(Program* program, char* to) {
  program->image.copy(to, program->image.size());
  return 0;
}

API int FUNCTION(GetCodeSize)(Program* program, size_t* bytes) {
  return FUNCTION(GetCUBINSize)(program, bytes);
}

API int FUNCTION(GetCode)(Program* program, char* to) { return FUNCTION(GetCUBIN)(program, to); }

API int FUNCTION(GetNumSupportedArchs)(int* count) {
  *count = 2;
  return 0;
}

API int FUNCTION(GetSupportedArchs)(int* archs) {
  archs[0] = 80;
  archs[1] = 90;
  return 0;
}
