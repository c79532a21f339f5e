// Rank of a random full n x n matrix over GF(p) by FFLAS-FFPACK, as seconds on standard output: over its two fastest
// small fields, in single precision, and over a field of 23 bits in double precision.
// Built and run by benchmarks/elimination.py where Debian's fflas-ffpack is installed.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <fflas-ffpack/fflas-ffpack.h>
#include <givaro/modular-balanced.h>
#include <givaro/modular.h>

template <class Field> double seconds(const Field &field, size_t n) {
    typename Field::RandIter random(field, 1);
    auto matrix = FFLAS::fflas_new(field, n, n);
    FFLAS::frand(field, random, n, n, matrix, n);
    const auto started = std::chrono::steady_clock::now();
    const size_t rank = FFPACK::Rank(field, n, n, matrix, n);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    FFLAS::fflas_delete(matrix);
    return rank == n ? taken.count() : -1;
}

int main(int, char **arguments) {
    const size_t n = std::strtoul(arguments[1], nullptr, 10);
    const double smallest = seconds(Givaro::ModularBalanced<float>(251), n);
    const double small = seconds(Givaro::ModularBalanced<float>(2039), n);
    const double large = seconds(Givaro::ModularBalanced<double>(8388593), n);
    std::cout << smallest << " " << small << " " << large << std::endl;
}
