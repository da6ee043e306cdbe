/* A pn belongs to one member. Up to renaming members these are all the ways: 10 x owner of 2 + owner of 3. */
atomic {
  owner1 = 1;
#ifdef OWNERS
  owner2 = OWNERS / 10;
  owner3 = OWNERS % 10
#else
  if
    ::owner2 = 1;
  owner3 = 1 ::owner2 = 1;
  owner3 = 2 ::owner2 = 2;
  owner3 = 1 ::owner2 = 2;
  owner3 = 2 ::owner2 = 2;
  owner3 = 3 fi
#endif
};
