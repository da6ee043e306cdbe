// planted_undefined DEFECT: what UndefinedBehaviorSanitizer must report, and end the program.
#include <limits>
#include <string_view>

int main(int argc, char** argv) {
  const std::string_view defect = argc > 1 ? argv[1] : "none";
  volatile int number = std::numeric_limits<int>::max();
  if (defect == "signed_overflow") number = number + 1;
  return 0;
}
