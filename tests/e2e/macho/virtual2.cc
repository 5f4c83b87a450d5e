template<class T> inline T& cell() { static T t{}; return t; }
extern thread_local int tl;
extern "C" long other(long x) { return cell<int>() + x + 2 + (tl - 12); }
