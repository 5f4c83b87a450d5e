int ext_data = 100; int ext_fn(int x){return x+1000;}
